"""What a caller may want to catch, grouped by what they would do about it."""


class DexomeError(Exception):
    """An error whose message is meant for the user: the thing, the value, the cure."""


class InputError(DexomeError):
    """The user's file or setting is not usable: mend it and run again."""


class StoreError(DexomeError):
    """Something on disk is missing, damaged, or cannot be written: the message names the file."""


class LockedError(DexomeError):
    """Another driver holds the workspace: wait for it, or take over."""
