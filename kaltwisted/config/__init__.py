"""Read keepalived.conf: text to tokens, tree, frozen model, and every finding with its place."""
