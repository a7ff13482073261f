"""The base image: hash-locked Debian 13 packages made into a root file system with CPython 3.13 and nothing else.

`base_image.lock` and `base_image.rootfs` are the programs. Other builders take the base's own Python from here to make
bytecode whose bytes do not depend on theirs.
"""

from base_image.bytecode import BaseInterpreter, compile_tree
from base_image.errors import BaseImageError

__all__ = ["BaseImageError", "BaseInterpreter", "compile_tree"]
