"""The workspace folder: layout, past runs, relocation."""
