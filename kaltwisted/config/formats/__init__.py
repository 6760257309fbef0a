"""Other formats of one language: JSON and YAML in and out, keepalived's own text out, and the schema."""
