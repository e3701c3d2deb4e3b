served heart serve --data-dir ../var/lib/heart
mkdir -p ../backup ../srv
openssl req -x509 -newkey rsa:2048 -nodes -keyout privkey.pem -out fullchain.pem -days 2 -subj /CN=localhost 2> /dev/null
