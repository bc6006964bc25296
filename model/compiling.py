"""Compiled loops, kept on disk where that is possible; loads the compiler, so it is imported when first needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from numba import njit
from numba.core.caching import FunctionCache


class Kept(FunctionCache):
    """Compiled code on disk; what is damaged there, or has no room, is no error."""

    def load_overload(self, sig, target_context):
        """What is kept for these types; None where it is damaged, and then none of it is kept any longer."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling what is damaged raises errors of any kind
            with contextlib.suppress(Exception):
                self.flush()
            return None

    def save_overload(self, sig, data):
        """Keep it, or not where the disk is full or the folder can no longer be written."""
        with contextlib.suppress(Exception):
            super().save_overload(sig, data)


def compiled(loop: Callable, **options) -> Callable:
    """The loop compiled; anew in each process where no folder can keep it."""
    made = njit(**options)(loop)
    with contextlib.suppress(RuntimeError):
        made._cache = Kept(loop)
    return made
