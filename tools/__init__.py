"""What the project is made with: set-up scripts, and files that are made from the code."""
