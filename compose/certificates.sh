#!/bin/sh
# certificates.sh DIRECTORY: a certificate authority and a key and certificate for each of the three stores, in folders of
# their own, so that nobody needs to see another's key. What is there and good for another 30 days stays as it is.
# Refuses passwords that the stores and the ledger could not both use.
set -eu
umask 077
base=$1
month=2592000

refuse() {
  echo "$1" >&2
  exit 78
}

check_password() {
  case $2 in
    '') refuse "$1 is not set: choose a password for the cluster, for instance in the file .env" ;;
    *[!A-Za-z0-9_-]*) refuse "$1 has characters other than letters, digits, - and _: it is part of an address, so use only those" ;;
  esac
  [ "${#2}" -ge 12 ] || refuse "$1 has fewer than 12 characters: choose a longer one"
}

is_good() {
  [ -f "$1" ] && openssl x509 -in "$1" -noout -checkend $month >/dev/null
}

make_authority() {
  is_good "$base/authority/ca.crt" && return
  openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 3650 -subj '/O=runledger/CN=runledger store authority' \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout "$base/authority/ca.key" -out "$base/authority/ca.crt" 2>/dev/null
  # A certificate of another authority would be refused by its peers.
  rm -f "$base"/store-*/node.crt
  install -m 0444 "$base/authority/ca.crt" "$base/trust/ca.crt"
  echo "made the authority"
}

# The stores take each other for peers by one common name; clients look at the alternative names.
make_store() {
  folder=$base/$1
  is_good "$folder/node.crt" && return
  openssl req -newkey rsa:2048 -sha256 -nodes -subj '/CN=eventstoredb-node' \
    -keyout "$folder/node.key" -out "$folder/node.csr" 2>/dev/null
  printf '%s\n' "subjectAltName=DNS:$1,DNS:localhost,IP:127.0.0.1" 'basicConstraints=critical,CA:FALSE' \
    'keyUsage=critical,digitalSignature,keyEncipherment' 'extendedKeyUsage=serverAuth,clientAuth' >"$folder/node.ext"
  openssl x509 -req -in "$folder/node.csr" -sha256 -days 825 -extfile "$folder/node.ext" \
    -CA "$base/authority/ca.crt" -CAkey "$base/authority/ca.key" -CAcreateserial -out "$folder/node.new" 2>/dev/null
  mv "$folder/node.new" "$folder/node.crt"
  rm "$folder/node.csr" "$folder/node.ext"
  echo "made the certificate of $1"
}

check_password RUNLEDGER_STORE_PASSWORD "${RUNLEDGER_STORE_PASSWORD:-}"
check_password RUNLEDGER_STORE_OPS_PASSWORD "${RUNLEDGER_STORE_OPS_PASSWORD:-}"
make_authority
for store in store-1 store-2 store-3; do make_store "$store"; done
