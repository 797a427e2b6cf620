"""`doorstep up`: PostgreSQL, an MQTT broker and Doorstep's own processes as one process tree.

For a look, and for one small site. It starts, watches and stops; what the processes do is not
decided here.
"""
