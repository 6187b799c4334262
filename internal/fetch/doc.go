// Package fetch is the one way out: every connection that this program opens to another machine is dialed here.
//
// The address is looked at after it was resolved, at each connection and each redirect, so that no name, no redirect and
// no change of a name between two look-ups leads into the network in which the program runs. Loopback, private, link-local
// and all other addresses that are not of the public internet are refused unless the operator allowed their network.
// Proxies of the environment are not used.
package fetch
