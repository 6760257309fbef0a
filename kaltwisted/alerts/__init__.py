"""Tell the world: mail and scripts."""
