"""The archive's signature, checked by gpgv with Debian's archive keyring. Only the text that is signed comes out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from base_image.errors import SignatureError

KEYRING_VARIABLE = "NODEOS_DEBIAN_KEYRING"
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_TIMEOUT_SECONDS = 60
_REMEDY = (
    "Debian and Ubuntu have both in packages: `apt-get install gpgv debian-archive-keyring`. Elsewhere pass --keyring "
    f"or set {KEYRING_VARIABLE} to a file with the keys of Debian 13."
)


def find_keyring(option: Path | None, environment: Mapping[str, str]) -> Path:
    """The keyring of the option, of the environment or of the host. Raises `SignatureError`."""
    named = option or (Path(environment[KEYRING_VARIABLE]) if environment.get(KEYRING_VARIABLE) else None)
    for candidate in [named] if named else _KEYRINGS:
        if candidate.is_file():
            return candidate.resolve()
    wanted = named or " or ".join(map(str, _KEYRINGS))
    raise SignatureError(f"no keyring with Debian's archive keys at {wanted}. {_REMEDY}")


class Verifier:
    """Checks clear-signed files against one keyring."""

    def __init__(self, keyring: Path, program: str = "gpgv") -> None:
        found = shutil.which(program)
        if found is None:
            raise SignatureError(f"{program} is not installed, so the archive's signature cannot be checked. {_REMEDY}")
        self._program = found
        self._keyring = keyring

    def signed_text(self, name: str, content: bytes) -> str:
        """What is signed in `content`; `name` is what errors call it.

        One good signature by a key of the keyring is needed and no bad one is allowed: Debian signs with the keys of
        several releases, and an older keyring knows only some of them. Raises `SignatureError`.
        """
        with tempfile.TemporaryDirectory(prefix="nodeos-gpgv-") as folder:
            source = Path(folder, "InRelease")
            source.write_bytes(content)
            command = [self._program, "--homedir", folder, "--keyring", str(self._keyring), "--status-fd", "2"]
            try:
                done = subprocess.run(
                    [*command, "--output", "-", str(source)], capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise SignatureError(f"{self._program} did not answer in {_TIMEOUT_SECONDS} s: try again.") from error
        status = [line.split()[1] for line in done.stderr.decode(errors="replace").splitlines() if _is_status(line)]
        if "GOODSIG" not in status or "BADSIG" in status:
            said = ", ".join(dict.fromkeys(word for word in status if word.endswith(("SIG", "PUBKEY", "NODATA"))))
            raise SignatureError(
                f"{name} has no good signature by a key in {self._keyring} ({said or 'no signature at all'}). "
                f"The mirror is not Debian's, or the keyring is too old for Debian 13. {_REMEDY}"
            )
        return done.stdout.decode()


def _is_status(line: str) -> bool:
    return line.startswith("[GNUPG:] ") and len(line.split()) > 1
