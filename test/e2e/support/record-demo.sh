#!/bin/sh
# Records server/demo.pcap, which `--source auto` plays where the kernel cannot be watched: a small shop, by real curl, nginx
# and Bun in two network namespaces of their own. As root: sh test/e2e/support/record-demo.sh OUT.pcap
set -eu
out=$(realpath "${1:?where to write}")
bun=$(realpath "$(dirname "$0")/../../../node_modules/.bin/bun")
dir=$(mktemp -d)
chmod 755 "$dir"
shop=kc-demo-shop-$$
web=kc-demo-web-$$
pids=""
finish() {
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	ip netns delete $shop 2>/dev/null || true
	ip netns delete $web 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT

ip netns add $shop
ip netns add $web
ip -n $shop link add eth0 type veth peer name eth0 netns $web
ip -n $shop address add 192.0.2.80/24 dev eth0
for host in 11 12 13 14; do ip -n $web address add 192.0.2.$host/24 dev eth0; done
for ns in $shop $web; do
	ip -n $ns link set lo up
	ip -n $ns link set eth0 up
done

cat >"$dir/shop.ts" <<'TS'
const text = (bytes: number) => "lorem ipsum dolor sit amet ".repeat(Math.ceil(bytes / 27)).slice(0, bytes);
const later = (millis: number) => Bun.sleep(millis);
Bun.serve({
  hostname: "127.0.0.1",
  port: 8080,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const { method } = request;
    if (method !== "GET") await request.text();
    if (pathname === "/api/search") { await later(60 + Math.random() * 120); return Response.json({ found: text(1800) }); }
    if (pathname === "/api/report") { await later(900); return Response.json({ rows: text(2500) }); }
    if (pathname === "/api/orders" && method === "POST") { await later(40); return Response.json({ order: 4711 }, { status: 201, headers: { location: "/api/orders/4711" } }); }
    if (pathname.startsWith("/api/orders/") && method === "DELETE") return new Response(null, { status: 204 });
    if (pathname.startsWith("/api/users/")) { await later(5); return Response.json({ name: text(300) }); }
    if (pathname === "/api/stock") { await later(15); return Response.json({ error: "the warehouse does not answer" }, { status: 500 }); }
    if (pathname === "/api/feed") {
      const pieces = async function* () { for (let i = 0; i < 5; i++) { await later(150); yield `data: ${i} ${text(80)}\n\n`; } };
      return new Response(pieces(), { headers: { "content-type": "text/event-stream" } });
    }
    return Response.json({ error: "no such thing" }, { status: 404 });
  },
});
TS
mkdir "$dir/www" "$dir/www/products" "$dir/www/assets"
head -c 2400 /dev/zero | tr '\0' 'a' >"$dir/www/index.html"
for n in 17 23 42; do head -c $((900 + n * 20)) /dev/zero | tr '\0' 'b' >"$dir/www/products/$n.html"; done
head -c 4200 /dev/zero | tr '\0' 'c' >"$dir/www/assets/app.js"
head -c 1500 /dev/zero | tr '\0' 'd' >"$dir/www/assets/app.css"
cat >"$dir/nginx.conf" <<CONF
daemon off; user nobody nogroup; worker_processes 1; pid $dir/nginx.pid; error_log /dev/null;
events {}
http {
	access_log off;
	types { text/html html; text/css css; text/javascript js; }
	server {
		listen 192.0.2.80:80;
		server_name shop.example;
		root $dir/www;
		gzip on; gzip_types text/css text/javascript; gzip_min_length 100;
		location /api/ { proxy_pass http://127.0.0.1:8080; proxy_http_version 1.1; proxy_buffering off; }
		location /pay/ { proxy_pass http://127.0.0.1:9; }
		location = /old-shop { return 301 /; }
		location = /health { return 204; }
		location /admin/ { deny all; }
	}
}
CONF
ip netns exec $shop "$bun" "$dir/shop.ts" &
pids="$pids $!"
ip netns exec $shop nginx -c "$dir/nginx.conf" &
pids="$pids $!"
ip netns exec $shop tcpdump -i eth0 -U -w "$dir/demo.pcap" --time-stamp-precision=nano tcp port 80 2>"$dir/tcpdump.log" &
tcpdump=$!
until grep -q listening "$dir/tcpdump.log"; do sleep 0.1; done
until ip netns exec $web curl -sf -o /dev/null http://192.0.2.80/health &&
	ip netns exec $web curl -sf -o /dev/null http://192.0.2.80/api/users/1; do sleep 0.1; done

# ask HOST AGENT ARGUMENTS...: each argument of curl as it is; a path stands for its URL
ask() {
	from=192.0.2.$1 agent=$2
	shift 2
	sleep 0.15
	ip netns exec $web curl -s --interface "$from" -A "$agent" -H 'Host: shop.example' "$@" >/dev/null || true
}
site=http://192.0.2.80
trace() { printf 'traceparent: 00-%s-%s-01' "$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" "$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')"; }
firefox="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
for round in 1 2 3; do
	ask 11 "$firefox" $site/ $site/assets/app.css $site/assets/app.js $site/products/17.html $site/favicon.ico
	ask 13 "kube-probe/1.31" $site/health
	ask 12 "shop-app/3.2" -H "$(trace)" "$site/api/search?q=tea&page=$round" $site/api/users/42
	ask 12 "shop-app/3.2" -H "$(trace)" --json '{"item":17,"count":2}' $site/api/orders
	ask 11 "$firefox" $site/old-shop -L --compressed $site/assets/app.js $site/products/23.html
	ask 14 "reports/1.0" -H "$(trace)" $site/api/report &
	ask 13 "kube-probe/1.31" $site/health
	ask 12 "shop-app/3.2" -I $site/products/42.html
	ask 12 "shop-app/3.2" -H "$(trace)" -X PUT --data 'name=Ada' $site/api/users/42
	ask 14 "curl/8.5.0" $site/admin/ $site/api/nothing
	ask 12 "shop-app/3.2" -H "$(trace)" -X DELETE $site/api/orders/4711
	ask 12 "shop-app/3.2" -H "$(trace)" $site/api/stock
	ask 12 "shop-app/3.2" -H "$(trace)" --data 'amount=1999' $site/pay/card
	ask 11 "$firefox" $site/products/42.html --http1.0 $site/products/17.html
	ask 11 "$firefox" -N $site/api/feed
	ask 14 "impatient/0.1" --max-time 0.3 $site/api/report
	ask 13 "kube-probe/1.31" $site/health
	sleep 1
done
sleep 0.5
kill -INT $tcpdump
wait $tcpdump || true
cp "$dir/demo.pcap" "$out"
