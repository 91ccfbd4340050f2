#include "dissectors/dns/addresses.h"

namespace wirefault::dns {

AddressSet addresses_of(const Message& response) {
  AddressSet set;
  Records records{response};
  while (set.count < AddressSet::most && records.next_unnamed() &&
         records.record().section == Section::answer) {
    if (const std::optional<IpAddress> address = records.address()) {
      set.addresses[set.count++] = *address;
    }
  }
  return set;
}

}  // namespace wirefault::dns
