# The compiler module is described in docs/design/architecture.md, section 6; to the type checker its members are Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
