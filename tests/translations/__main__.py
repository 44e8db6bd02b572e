"""`make messages`: bring each catalogue up to date, and say what it lacks."""

from .catalogues import path_of, write_all

for language, missing in write_all().items():
    print(f"{path_of(language)}: {missing} to translate" if missing else f"{language}: complete")
