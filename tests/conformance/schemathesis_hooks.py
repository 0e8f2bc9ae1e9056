"""What is not asked of the API.

A limit over the maximum, which OGC wants taken as the maximum and not refused; and addresses too long for the
server, which it refuses before it looks at the method.
"""

from urllib.parse import urlencode

import schemathesis

LONGEST = 7900


@schemathesis.hook
def filter_case(context, case):
    """Whether to try a case."""
    limit = str((case.query or {}).get("limit", ""))
    most = 100 if case.operation.path == "/nearest" else 10_000
    if len(urlencode(case.query or {})) > LONGEST:
        return False
    return not (limit.isascii() and limit.isdigit() and int(limit) > most)
