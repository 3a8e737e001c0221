"""What people send: reading and checking it, references and secrets, and the states it goes through."""
