"""What a role is and what it runs on, in whichever process: its services, its reactor, its rights."""
