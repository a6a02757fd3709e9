"""The GPU side: contexts, shaders, buffers and passes. The one importer of moderngl."""
