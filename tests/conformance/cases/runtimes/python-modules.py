# Modules that need the system's libraries can be loaded.
#
# [expect]
# verdict = "completed"
# stdout = "loaded\n"
import ctypes
import decimal
import hashlib
import json
import lzma
import multiprocessing
import sqlite3
import ssl
import tempfile
import zlib

print("loaded")
