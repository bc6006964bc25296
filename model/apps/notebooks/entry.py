"""What papermill finds under the entry point `inprocess`: the engine, imported only when it is used.

papermill loads its entry points while it is itself half imported; the engine's own module needs papermill
whole, so this stand-in hands every attribute on to it later.
"""

from __future__ import annotations


class _Later(type):
    def __getattr__(cls, name: str):
        from model.apps.notebooks.engine import InProcessEngine

        return getattr(InProcessEngine, name)


class InProcess(metaclass=_Later):
    """Stands in for `model.apps.notebooks.engine.InProcessEngine` until papermill is whole."""
