"""The checks themselves, one subject a module. The list of them all is `offhook.setup.doctor.catalogue`."""
