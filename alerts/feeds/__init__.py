"""How alerts reach people and programs: one module a channel."""
