"""A client of the protocol that sends many statements at once and keeps answers as they came, and what tells two answers apart."""
import socket, struct, time

class Conn:
    def __init__(self, port, db, user="postgres", opts=None):
        self.port, self.db, self.user, self.opts = port, db, user, opts or {}
        self.open()
    def open(self):
        self.s = socket.create_connection(("127.0.0.1", self.port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""; self.dead = False
        p = b"".join(k.encode()+b"\0"+v.encode()+b"\0" for k, v in [("user", self.user), ("database", self.db)] + list(self.opts.items())) + b"\0"
        self.s.sendall(struct.pack(">ii", len(p)+8, 196608)+p)
        self.until_ready()
    def need(self, n):
        while len(self.buf) < n:
            d = self.s.recv(1 << 16)
            if not d: raise EOFError
            self.buf += d
    def msg(self):
        self.need(5)
        t = self.buf[:1]; n = struct.unpack(">i", self.buf[1:5])[0]
        self.need(n+1)
        b = self.buf[5:n+1]; self.buf = self.buf[n+1:]
        return t, b
    @staticmethod
    def fields(b):
        return {x[:1].decode(): x[1:].decode("utf8", "replace") for x in b.split(b"\0") if x}
    def until_ready(self):
        out = []
        while True:
            t, b = self.msg()
            if t == b"Z":
                self.status = b; return out
            if t == b"T":
                n = struct.unpack(">h", b[:2])[0]; i = 2; cols = []
                for _ in range(n):
                    j = b.index(b"\0", i); name = b[i:j].decode("utf8","replace"); i = j+1
                    tab, att, ty, ln, mod, fmt = struct.unpack(">ihihih", b[i:i+18]); i += 18
                    cols.append((name, ty if 0 < ty < 16384 else 'user', mod))
                out.append(("T", tuple(cols)))
            elif t == b"D":
                n = struct.unpack(">h", b[:2])[0]; i = 2; r = []
                for _ in range(n):
                    l = struct.unpack(">i", b[i:i+4])[0]; i += 4
                    if l < 0: r.append(None)
                    else: r.append(b[i:i+l]); i += l
                out.append(("D", tuple(r)))
            elif t == b"E" or t == b"N":
                f = self.fields(b)
                out.append((t.decode(), tuple(f.get(k) for k in "SCMDHPpqW" + "stcdn")))
            elif t == b"C": out.append(("C", b[:-1].decode()))
            elif t == b"A": pass
            elif t in b"GHd": 
                if t == b"G":
                    self.s.sendall(b"f" + struct.pack(">i", 6) + b"x\0")
                out.append((t.decode(), b))
    def run(self, sqls):
        """Simple queries, pipelined; one list of messages each."""
        self.s.sendall(b"".join(b"Q"+struct.pack(">i", len(q.encode())+5)+q.encode()+b"\0" for q in sqls))
        out = []
        try:
            for _ in sqls: out.append(self.until_ready())
        except (EOFError, ConnectionError):
            self.again(out, len(sqls))
        return out
    def again(self, out, wanted):
        """The server closed the connection: a new one, and nothing for what is left."""
        out.append([("DEAD",)])
        for _ in range(60):
            try: self.open(); break
            except (OSError, EOFError): time.sleep(0.5)
        out += [[("SKIP",)]] * (wanted - len(out))
    def run_ext(self, sqls, fmt=1):
        m = b""
        for q in sqls:
            b = b"\0"+q.encode()+b"\0\0\0"; m += b"P"+struct.pack(">i", len(b)+4)+b
            b = b"\0\0\0\0\0\0"+struct.pack(">hh", 1, fmt); m += b"B"+struct.pack(">i", len(b)+4)+b
            m += b"D"+struct.pack(">i", 6)+b"P\0"
            m += b"E"+struct.pack(">i", 9)+b"\0\0\0\0\0" + b"S\0\0\0\x04"
        self.s.sendall(m)
        out = []
        try:
            for _ in sqls: out.append(self.until_ready())
        except (EOFError, ConnectionError):
            self.again(out, len(sqls))
        return out

def klass(a, b):
    """What kind of difference there is between the reference's answer and ours; None: none that counts."""
    if a == b: return None
    if ("SKIP",) in a or ("SKIP",) in b: return None
    if ("DEAD",) in a or ("DEAD",) in b: return "DEAD"
    ea = [x for x in a if x[0] == "E"]; eb = [x for x in b if x[0] == "E"]
    if ea and not eb: return "only-pg-errors"
    if eb and not ea:
        return "missing" if eb[0][1][1] == "0A000" else "only-we-error"
    if ea and eb:
        x, y = ea[0][1], eb[0][1]
        if x[1] != y[1]: return "missing" if y[1] == "0A000" else "sqlstate"
        if x[2] != y[2]: return "message"
        if x[3] != y[3]: return "detail"
        if x[4] != y[4]: return "hint"
        if x[5:8] != y[5:8]: return "position"
        if x[8] != y[8]: return "context"
        if x != y: return "fields"
        if [m for m in a if m[0] == "N"] == [m for m in b if m[0] == "N"]: return None
    da = [x for x in a if x[0] == "D"]; db = [x for x in b if x[0] == "D"]
    if da != db:
        if sorted(da, key=repr) == sorted(db, key=repr): return "order"
        return "value"
    if [x for x in a if x[0] == "T"] != [x for x in b if x[0] == "T"]: return "type"
    if [x for x in a if x[0] == "N"] != [x for x in b if x[0] == "N"]: return "notice"
    return "other"
