# The C extension is described in docs/design/call-path.md; to the type checker its members are Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
