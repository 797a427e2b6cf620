"""Where envelopes come from: one port (`port`), one module a protocol, one contract test."""
