"""Opening what the user names: regular files only, nothing that blocks, redirects or changes underneath.

A FIFO would hang the node, a symbolic link lets another account choose what is read, and a file rewritten
while it streams gives a table that never existed. Secrets must be readable by their owner alone.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vfl.config.faults import config_fault, data_fault
from vfl.errors import Place, VflError

__all__ = ["FAULTS", "open_unchanging", "require_private_file"]

FILE_MISSING = data_fault(
    "FILE_MISSING",
    "There is no such file.",
    "文件不存在。",
    "Check the path; a relative path is taken from the folder of the file that names it.",
    "请检查路径；相对路径从写有该路径的配置文件所在目录算起。",
)
FILE_UNREADABLE = data_fault(
    "FILE_UNREADABLE",
    "This account may not read the file.",
    "当前账户无权读取该文件。",
    "Give the account that runs the node read permission on the file and its folders.",
    "请为运行节点的账户授予该文件及其上级目录的读取权限。",
)
FILE_SYMLINK = data_fault(
    "FILE_SYMLINK",
    "The path is a symbolic link, which is not followed.",
    "该路径是符号链接，系统不跟随符号链接。",
    "Name the file itself.",
    "请直接写明文件本身的路径。",
)
FILE_NOT_REGULAR = data_fault(
    "FILE_NOT_REGULAR",
    "The path is a {kind}, not a regular file.",
    "该路径是{kind_zh}，不是普通文件。",
    "Write the table to a regular file and name that.",
    "请将表导出为普通文件后再填写其路径。",
)
FILE_CHANGED = data_fault(
    "FILE_CHANGED",
    "The file changed while it was being read.",
    "读取过程中文件被改动。",
    "Let the export finish, write it under another name and rename it, then load again.",
    "请等导出完成（先写入临时文件名再改名），然后重新加载。",
)
SECRET_READABLE = config_fault(
    "SECRET_READABLE",
    "The secret file may be read by other accounts (mode {mode}).",
    "密钥文件可被其他账户读取（权限 {mode}）。",
    "Run `chmod 600` on the file, and replace the secret if others may have read it.",
    "请对该文件执行 `chmod 600`；若他人可能已读取，请更换密钥。",
)
SECRET_OWNER = config_fault(
    "SECRET_OWNER",
    "The secret file belongs to another account.",
    "密钥文件属于其他账户。",
    "Run `chown` so that the account that runs the node owns the file.",
    "请用 `chown` 将文件所有者改为运行节点的账户。",
)

FAULTS = (
    FILE_MISSING,
    FILE_UNREADABLE,
    FILE_SYMLINK,
    FILE_NOT_REGULAR,
    FILE_CHANGED,
    SECRET_READABLE,
    SECRET_OWNER,
)

_KINDS = {
    stat.S_IFDIR: ("directory", "目录"),
    stat.S_IFIFO: ("named pipe (FIFO)", "命名管道（FIFO）"),
    stat.S_IFSOCK: ("socket", "套接字"),
}


@contextmanager
def open_unchanging(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading and refuse it at the end if it changed meanwhile.

    A fault found in a file that changed is reported as the change: a torn row is only its symptom. A file
    replaced by renaming another over it has not changed: the one being read stays whole.

    Raises
    ------
    DataError
        ``FILE_MISSING``, ``FILE_UNREADABLE``, ``FILE_SYMLINK``, ``FILE_NOT_REGULAR``, ``FILE_CHANGED``.
    """
    place = Place(file=path.name)
    descriptor, status = _opened(path, place)
    before = _fingerprint(status)
    with os.fdopen(descriptor, "rb", buffering=1 << 20) as stream:
        try:
            yield stream
        except VflError:
            if _fingerprint(os.fstat(descriptor)) != before:
                raise FILE_CHANGED.at(place) from None
            raise
        if _fingerprint(os.fstat(descriptor)) != before:
            raise FILE_CHANGED.at(place)


def require_private_file(path: Path) -> None:
    """Refuse a secret that other accounts can read or own (mode must grant nothing to group or others).

    Raises
    ------
    ConfigError
        ``SECRET_READABLE`` or ``SECRET_OWNER``.
    DataError
        ``FILE_MISSING``, ``FILE_UNREADABLE``, ``FILE_SYMLINK``, ``FILE_NOT_REGULAR``.
    """
    place = Place(file=path.name)
    descriptor, status = _opened(path, place)
    os.close(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise SECRET_READABLE.at(place, mode=f"{mode:04o}")
    if status.st_uid != os.geteuid():
        raise SECRET_OWNER.at(place)


def _opened(path: Path, place: Place) -> tuple[int, os.stat_result]:
    """Descriptor and status of a regular file; what is checked is what was opened, not its name."""
    # O_NONBLOCK: opening a FIFO without a writer would otherwise wait for ever. It means nothing on a file.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
        raise FILE_MISSING.at(place) from None
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise FILE_SYMLINK.at(place) from None
        if problem.errno == errno.ENXIO:
            raise _not_regular(stat.S_IFSOCK, place) from None
        raise FILE_UNREADABLE.at(place) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_regular(status.st_mode, place)
    return descriptor, status


def _not_regular(mode: int, place: Place) -> VflError:
    kind, kind_zh = _KINDS.get(stat.S_IFMT(mode), ("device", "设备文件"))
    return FILE_NOT_REGULAR.at(place, kind=kind, kind_zh=kind_zh)


def _fingerprint(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
