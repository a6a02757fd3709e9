"""Every error that throng raises on purpose.

    ThrongError
    ├── InvalidValue (ValueError)      an argument of the right type that cannot be used
    │   └── GraphError                 a node with two parents, two scenes, or itself as an ancestor
    ├── InvalidType (TypeError)        an argument of a type that cannot be used
    ├── InvalidIndex (IndexError)      a row, an id or a vertex index that does not exist
    ├── AssetError (ValueError)        a file that cannot be used; the text names it
    ├── UsageError (RuntimeError)      a right call at the wrong time
    │   ├── ClosedError                a renderer or window that has been closed
    │   ├── NotRequestedError          a picture that the frame was not asked for
    │   └── ThreadError                a renderer or scene that another thread is using
    └── GpuError (RuntimeError)        the graphics driver cannot do what is needed
        ├── ContextError               no usable OpenGL context
        ├── GpuMemoryError             an allocation that the driver refused
        └── ShaderError                a shader that does not compile or link

Texts follow one form: where, what was expected, what came.
"""


class ThrongError(Exception):
    """Base of all errors that throng raises on purpose."""


class InvalidValue(ThrongError, ValueError):
    """An argument of the right type that cannot be used."""


class GraphError(InvalidValue):
    """A node that would have two parents, two scenes, or itself as an ancestor."""


class InvalidType(ThrongError, TypeError):
    """An argument of a type that cannot be used."""


class InvalidIndex(ThrongError, IndexError):
    """A row, an id or a vertex index that does not exist."""


class AssetError(ThrongError, ValueError):
    """A file that cannot be used; the text names it, and the place in it."""


class UsageError(ThrongError, RuntimeError):
    """A right call at the wrong time."""


class ClosedError(UsageError):
    """A renderer or window that has been closed."""


class NotRequestedError(UsageError):
    """A picture that the frame was not asked for."""


class ThreadError(UsageError):
    """A renderer or scene that another thread is using."""


class GpuError(ThrongError, RuntimeError):
    """The graphics driver cannot do what is needed."""


class ContextError(GpuError):
    """No usable OpenGL context."""


class GpuMemoryError(GpuError):
    """An allocation that the driver refused."""


class ShaderError(GpuError):
    """A shader that does not compile or link."""
