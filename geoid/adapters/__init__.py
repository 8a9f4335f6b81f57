"""How the world does it: one library per file, imported at its top."""
