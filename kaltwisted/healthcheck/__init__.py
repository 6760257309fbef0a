"""Check real servers: each kind of check, the retry rule they share, and the service that paces them."""
