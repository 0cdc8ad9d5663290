"""Store layouts: read, checked, written, drawn and imported. The only room that knows their file forms."""

from __future__ import annotations

from jwo_cli.layouts.autocheckout import from_autocheckout
from jwo_cli.layouts.bundled import bundled
from jwo_cli.layouts.check_autocheckout import check_autocheckout
from jwo_cli.layouts.checks import check
from jwo_cli.layouts.documents import find_document
from jwo_cli.layouts.load import load
from jwo_cli.layouts.save import save

__all__ = ["bundled", "check", "check_autocheckout", "find_document", "from_autocheckout", "load", "save"]
