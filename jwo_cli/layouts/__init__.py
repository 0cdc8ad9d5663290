"""Store layouts: read, checked, written, drawn and imported. The only room that knows their file forms."""

from __future__ import annotations

from jwo_cli.layouts.autocheckout import from_autocheckout
from jwo_cli.layouts.documents import find_document

__all__ = ["find_document", "from_autocheckout"]
