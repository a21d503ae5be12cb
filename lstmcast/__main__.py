"""`python -m lstmcast`, the same as `lstmcast`."""

import sys

from lstmcast.cli import main

sys.exit(main())
