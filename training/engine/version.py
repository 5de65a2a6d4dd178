"""The version of the engine, written into every file it makes."""

ENGINE_VERSION = "1.0.0"
