from __future__ import annotations

import importlib.util
import io
import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from base_image.bytecode import BaseInterpreter, compile_tree
from base_image.conftest import SyntheticArchive
from base_image.errors import BytecodeError
from base_image.files import write_tree
from base_image.layout import host_architecture
from base_image.unpack import unpack
from canonical import Entry, with_parents, write_tar

_SOURCE = "NAMES = {'a', 'b', 'c'}\n\n\ndef double(x: int) -> int:\n    return x * 2\n"


@pytest.fixture
def entries(archive: SyntheticArchive, tmp_path: Path) -> list[Entry]:
    """The files of an unpacked base whose loader starts the Python of this test."""
    found: list[Entry] = []
    for deb in archive.debs[host_architecture().name]:
        source = tmp_path / "one.deb"
        source.write_bytes(deb.content)
        found.extend(unpack(source, deb.locked).entries)
    return found


@pytest.fixture
def interpreter(entries: list[Entry], tmp_path: Path) -> BaseInterpreter:
    write_tree(entries, tmp_path / "base")
    return BaseInterpreter.from_directory(tmp_path / "base")


def _tree(folder: Path, source: str = _SOURCE) -> Path:
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "package" / "module.py").write_text(source, encoding="utf-8")
    return folder


def test_bytecode_is_unchecked_and_named_by_its_place_in_the_image(
    interpreter: BaseInterpreter, tmp_path: Path
) -> None:
    tree = _tree(tmp_path / "tree")
    compile_tree(interpreter, tree, runtime_prefix="/usr/local/lib/x")
    content = (tree / "package/__pycache__/module.cpython-313.pyc").read_bytes()
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(content[4:8], "little") == 0b01
    code = marshal.loads(content[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == "/usr/local/lib/x/package/module.py"


def test_same_bytecode_wherever_it_is_made(
    interpreter: BaseInterpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []
    for folder, seed in (("one", "1"), ("another/much/deeper", "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        tree = _tree(tmp_path / folder)
        os.utime(tree / "package/module.py", (int(seed), int(seed)))
        compile_tree(interpreter, tree, runtime_prefix="/opt")
        compiled.append((tree / "package/__pycache__/module.cpython-313.pyc").read_bytes())
    assert compiled[0] == compiled[1]


def test_beside_sources_python_needs_no_source(interpreter: BaseInterpreter, tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    compile_tree(interpreter, tree, runtime_prefix="/opt", beside_sources=True)
    (tree / "package/module.py").unlink()
    program = "from package.module import double; print(double(21))"
    done = subprocess.run([sys.executable, "-c", program], cwd=tree, capture_output=True, check=True, text=True)
    assert done.stdout == "42\n"


def test_a_file_that_does_not_compile_is_named(interpreter: BaseInterpreter, tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree", "def :\n")
    with pytest.raises(BytecodeError, match=r"(?s)does not compile.*module\.py.*SyntaxError"):
        compile_tree(interpreter, tree, runtime_prefix="/opt")


def test_an_interpreter_comes_out_of_a_rootfs_tar(entries: list[Entry], tmp_path: Path) -> None:
    packed = io.BytesIO()
    write_tar(with_parents(entries), packed)
    (tmp_path / "rootfs.tar").write_bytes(packed.getvalue())
    interpreter = BaseInterpreter.from_rootfs_tar(tmp_path / "rootfs.tar", tmp_path / "work")
    tree = _tree(tmp_path / "tree")
    compile_tree(interpreter, tree, runtime_prefix="/opt")
    assert (tree / "package/__pycache__/module.cpython-313.pyc").is_file()


def test_a_directory_without_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BytecodeError, match=r"holds no Python 3\.13"):
        BaseInterpreter.from_directory(tmp_path)


def test_a_python_that_does_not_start_is_named(interpreter: BaseInterpreter, tmp_path: Path) -> None:
    Path(interpreter.command[0]).chmod(0o644)
    with pytest.raises(BytecodeError, match="does not start"):
        compile_tree(interpreter, _tree(tmp_path / "tree"), runtime_prefix="/opt")
