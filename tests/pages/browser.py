"""A headless Chromium, driven over a pipe by its protocol, that writes down what pages say and what they ask for."""

from __future__ import annotations

import base64
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ANSWER_SECONDS = 30.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    # Whoever a page may want to reach: there is nobody but this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Chromium reads commands from descriptor 3 and writes to 4; only a program that becomes it can put them there. The
# kernel kills it when the test run itself is killed.
_BECOME = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)


class BrowserError(Exception):
    """Chromium ended, was silent for too long, or refused a command."""


class Browser:
    """One Chromium. `page` opens a page in a window of its own."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = 0
        self._unread = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(answers, selectors.EVENT_READ)
        self._pages: dict[str, Page] = {}

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Give a command and return its result. Events that come meanwhile go to their pages."""
        self._numbers += 1
        command: dict[str, Any] = {"id": self._numbers, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            message = self._read(deadline, method)
            if message.get("id") == self._numbers:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            if page := self._pages.get(message.get("sessionId", "")):
                page.hear(message["method"], message["params"])

    @contextmanager
    def page(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Page]:
        """A page that has loaded `url`, as wide as asked; `dark` for people who prefer it so."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            page.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=width < 500,
            )
            scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            page.call("Emulation.setEmulatedMedia", media="screen", features=scheme)
            page.open(url)
            yield page
        finally:
            del self._pages[session]
            self.call("Target.disposeBrowserContext", browserContextId=context)

    def _read(self, deadline: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise BrowserError(f"{method}: Chromium has not answered within {_ANSWER_SECONDS:.0f} s")
            chunk = os.read(self._answers, 1 << 20)
            if not chunk:
                raise BrowserError(f"{method}: Chromium has ended")
            self._unread += chunk
        message, _, self._unread = self._unread.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded


class Page:
    """One page. `complaints` is all that its console and the browser said against it, `asked` every URL asked for."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def hear(self, event: str, details: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled":
            self.complaints.append(f"console: {[one.get('value') for one in details['args']]}")
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(f"exception: {details['exceptionDetails']}")
        elif event == "Log.entryAdded":
            self.complaints.append(f"{details['entry']['source']}: {details['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            self.asked.append(details["request"]["url"])

    def open(self, url: str) -> None:
        """Go to `url` and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression: str) -> Any:
        """The value of JavaScript; promises are waited for. Raises `BrowserError` when it throws."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 15.0) -> Any:
        """The first value of JavaScript that is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(expression)):
            if time.monotonic() > deadline:
                raise BrowserError(f"{expression} is {value!r} after {seconds} s; the page says: {self.text()[:2000]}")
            time.sleep(0.05)
        return value

    def text(self) -> str:
        """All that a person can read."""
        found: str = self.run("document.body.innerText")
        return found

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Browser]:
    """Run Chromium until the block ends; it keeps its files in `profile`."""
    command_end, our_commands = os.pipe()
    our_answers, answer_end = os.pipe()
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", sys.executable, "-c", _BECOME, str(command_end), str(answer_end)),
                *(program, *_FLAGS, f"--user-data-dir={profile / 'profile'}"),
            ],
            pass_fds=(command_end, answer_end),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(command_end)
    os.close(answer_end)
    try:
        yield Browser(our_commands, our_answers)
    finally:
        os.close(our_commands)  # It ends by itself when nobody is there to command it.
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(our_answers)
