"""docs/status.schema.json: documents keep to it, and have nothing in them that it does not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from tests.unit.api_documents import STATUS
from tests.unit.status_documents import document

SCHEMA = Path(__file__).parents[2] / "docs" / "status.schema.json"


def strict(schema: Any) -> Any:
    """The same, with objects that have all that is told of and nothing else."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in made and isinstance(made["properties"], dict) and made.get("type") == "object":
        made["additionalProperties"] = False
    return made


def validator() -> Draft202012Validator:
    """For whole documents."""
    schema = strict(json.loads(SCHEMA.read_text()))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


class SchemaTests(SynchronousTestCase):
    def test_a_document_keeps_to_it(self) -> None:
        for each in (document(), STATUS):
            self.assertEqual([error.message for error in validator().iter_errors(each)], [])

    def test_what_it_does_not_tell_of_is_found(self) -> None:
        for part, name in (("vrrp", "instances"), ("checkers", "virtual_servers"), ("bfd", "sessions")):
            whole = document()
            whole[part][name][0]["more"] = 1
            self.assertNotEqual(list(validator().iter_errors(whole)), [])
            del whole[part][name][0]["more"], whole[part][name][0]["since"]
            self.assertNotEqual(list(validator().iter_errors(whole)), [])
