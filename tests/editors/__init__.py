"""What is made for editors, tried in their own engines."""
