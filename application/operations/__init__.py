"""Work that takes longer than a client waits for: begun by one request, carried out in the background, asked after by others."""
