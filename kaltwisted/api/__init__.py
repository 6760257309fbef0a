"""The daemon's HTTP API: who may ask what, and the answers.  It knows seams, and no role."""
