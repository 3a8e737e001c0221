"""Officers' accounts: passkeys, sessions, and what managers do with them."""
