"""The keyword tables, one module a section: keyword, field, converter, range, one line of doc."""
