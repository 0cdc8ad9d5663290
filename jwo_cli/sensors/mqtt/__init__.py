"""Devices over MQTT: what they publish, how nothing of it gets lost unnoticed, and who may say what on the broker."""
