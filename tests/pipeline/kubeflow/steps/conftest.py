"""The folder of `kfp_cluster`, which is not a test, on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
