// Linked into the static binary only. Debian's static libpcap can capture from D-Bus, and for that
// wants libdbus and libsystemd, of which the latter has no static library. Only these two functions
// lead there: with them defined here the linker leaves that part of libpcap out. They are internal
// to libpcap (1.10.3); a libpcap with another interface fails to link and is no silent error.
struct pcap;

extern "C" {

// What opens a device asks each kind of capture whether the device is its own: it is not.
pcap* dbus_create(const char* /*device*/, char* /*error*/, int* is_ours) {
  *is_ours = 0;
  return nullptr;
}

// Adds no devices; 0: no error.
int dbus_findalldevs(void* /*list*/, char* /*error*/) {
  return 0;
}

}  // extern "C"
