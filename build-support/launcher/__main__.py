"""`python3 build-support/launcher prepare|lock …`: run as a folder, so that nothing need be installed first."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.dont_write_bytecode = True

from launcher.cli import main  # noqa: E402  the path above comes first

sys.exit(main())
