"""The service on one machine: servers as child processes, and a proxy that lets their networks fail."""
