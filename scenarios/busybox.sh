#!/bin/sh
# What people do with a shell, with more data than half of the scenario's memory. Every line of its output begins with
# "out: ", and says nothing that depends on the machine: it is the same on Linux.
#
# usage: busybox.sh DIRECTORY (an empty one, where there is room for 40 MB)

make_records() {
	awk 'BEGIN {
		for (i = 0; i < 1000; i++) pad = pad "."
		for (x = 1; n < 9000; n++) { x = (x * 16807) % 2147483647; print x, n % 97, "line" n, pad }
	}' > records
}

sort_records() {
	sort -n records > sorted
	wc -lc sorted
	md5sum sorted
	head -n 3 sorted | cut -c1-32
	tail -n 2 sorted | cut -c1-32
	cut -d' ' -f2 records | sort -n | uniq -c | sort -rn | head -n 5
}

background_jobs() {
	for i in 1 2 3 4; do
		(awk -v n=$i '$2 % 4 == n - 1 { s += $1 % 1000 } END { print n, s }' records > part$i) &
	done
	wait
	cat part1 part2 part3 part4
	sha1sum < sorted > sum1 & md5sum < records > sum2 &
	wait
	cat sum1 sum2
}

archive() {
	mkdir -p tree/a/b tree/c
	for i in 1 2 3 4; do
		head -n $((i * 100)) sorted > tree/a/b/file$i
		tail -n $((i * 10)) sorted | tr 0-9 a-j > tree/c/text$i
	done
	ln -s ../a/b/file1 tree/c/link
	tar cf - tree | gzip > tree.tar.gz
	rm -r tree
	gzip -dc tree.tar.gz | tar xf -
	find tree | sort
	md5sum < tree/c/link
}

search() {
	grep -r 'line123' tree | cut -d' ' -f1-3 | sort | head -n 5
	grep -rc bcd tree/c | sort
	grep -rl abc tree | wc -l
}

text_tools() {
	sed -n 's/^\([0-9]*\) \([0-9]*\) line\([0-9]*\) .*$/\3:\2:\1/p' tree/a/b/file1 | head -n 3
	awk '{ n[$2]++ } END { for (k in n) t += n[k]; print t, length(n) }' tree/a/b/file4
	tr -cd '\n' < tree/a/b/file3 | wc -c
	seq 1 20 | xargs -n 5 echo | paste -sd+ -
	x=0
	while [ $x -lt 5 ]; do x=$((x + 1)); done
	case "$x" in 5) echo five ;; *) echo other ;; esac
	(exit 7) || echo "status $?"
	sh -c 'kill -TERM $$' || echo "ended by $?"
	cat << END
$(expr 6 \* 7)
END
}

main() {
	for step in make_records sort_records background_jobs archive search text_tools; do
		echo "== $step"
		$step
	done
	rm -r tree tree.tar.gz records sorted part? sum?
	ls -A
	echo "== end"
}

cd "$1" || exit 1
main 2>&1 | sed 's/^/out: /'
