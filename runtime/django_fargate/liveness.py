"""The file by which a process without a port shows that it is alive."""

from __future__ import annotations

import os
from pathlib import Path

from .environment import required


class LivenessFile:
    """
    The file named by CELERY_LIVENESS_FILE.

    A process deletes what an earlier one left, so that the container's health check never believes a predecessor.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path if path is not None else required("CELERY_LIVENESS_FILE"))

    def touch(self) -> None:
        """Create the file, readable by its owner alone, or renew its time. Never through somebody's symbolic link."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)

    def delete(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)
