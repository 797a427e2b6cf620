"""A city of wearers. Imports only `domain`; its own encoder makes it evidence about our decoder."""
