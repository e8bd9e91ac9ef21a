"""Published measure content: read, kept by year and version, and evaluated.

`content` ← `specifications` ← `evaluation` ← `decks` ← `packages`: each imports only from those before it.
"""
