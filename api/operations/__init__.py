"""Work that takes longer than a client waits for: asked for with one request, answered 202, asked after with others."""
