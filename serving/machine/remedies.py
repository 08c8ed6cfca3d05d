"""Remedies of machine faults, by errno."""

import errno

SPACE = "Free space there, or choose a folder on another disk."
NOT_ALLOWED = "Change its owner or mode, or choose another folder."
_FILES = "Raise the limit (`ulimit -n`), or end other processes."

OF_ERRNO = {
    errno.ENOSPC: f"The disk is full, or has no inodes left. {SPACE}",
    errno.EDQUOT: f"The disk quota is used up (`quota`). {SPACE}",
    errno.EFBIG: "A file would be larger than this process or file system allows (`ulimit -f`).",
    errno.EROFS: "The file system is mounted read-only: mount it writable, or choose another folder.",
    errno.EACCES: f"This user may not read or write there. {NOT_ALLOWED}",
    errno.EPERM: f"This user may not do that there. {NOT_ALLOWED}",
    errno.ENOMEM: "The machine ran out of memory. Free some, or run less at once.",
    errno.EMFILE: f"This process has too many open files. {_FILES}",
    errno.ENFILE: f"The machine has too many open files. {_FILES}",
    errno.EAGAIN: "The machine cannot start another process or thread (`ulimit -u`). End some.",
    errno.EIO: "The disk or the network below it failed. Check it (`dmesg`), and run again.",
    errno.ESTALE: "The network file system lost the file. Mount it again, and run again.",
    errno.ENOLCK: "The file system has no locks: choose a folder on another one.",
}
